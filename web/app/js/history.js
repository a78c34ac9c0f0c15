// What was done, step by step, so that it can be undone.

/**
 * @template State what is the same object is the same state
 */
export class History {
  /** @param {State} first */
  constructor(first) {
    /** @type {State[]} */
    this.states = [first];
    this.at = 0;
    /** @type {string | null} */
    this.group = null;
  }

  /** The state that holds. */
  get now() {
    return this.states[this.at];
  }

  get canUndo() {
    return this.at > 0;
  }

  get canRedo() {
    return this.at < this.states.length - 1;
  }

  /**
   * Makes a step. Steps of one group that follow each other, such as the moves of one slider, are one.
   * @param {State} state
   * @param {string | null} [group]
   */
  push(state, group = null) {
    if (state === this.now) return;
    const replaces = group !== null && group === this.group && this.at > 0;
    this.states.length = this.at + 1;
    if (replaces) this.states[this.at] = state;
    else this.at = this.states.push(state) - 1;
    this.group = group;
  }

  undo() {
    if (this.canUndo) this.at -= 1;
    this.group = null;
  }

  redo() {
    if (this.canRedo) this.at += 1;
    this.group = null;
  }
}
