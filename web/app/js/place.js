// Where pictures are cut out: on the server, or on this device. It is kept in the browser.

import { able } from "./device/device.js";
import { where } from "./dom.js";
import { session } from "./session.js";

class Place extends EventTarget {
  /** Whether this can be chosen. */
  get isOpen() {
    return (session.onDevice && able) || this.onDevice;
  }

  /** Whether pictures stay here: as long as that is chosen, also where it cannot be done any more. */
  get onDevice() {
    return localStorage.getItem("place") === "device";
  }

  /** @param {"server" | "device"} place */
  choose(place) {
    localStorage.setItem("place", place);
    this.dispatchEvent(new Event("change"));
  }

  /** What becomes of pictures, for people. */
  get told() {
    return this.onDevice
      ? "Pictures are cut out on this device and do not leave it."
      : `Pictures go to ${where} and nowhere else.`;
  }
}

/** There is one. */
export const place = new Place();
