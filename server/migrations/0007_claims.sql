-- What a worker looks for: the kind of its job and the model it needs; null where any worker will do.
ALTER TABLE items ADD COLUMN kind TEXT NOT NULL DEFAULT 'pictures';
ALTER TABLE items ADD COLUMN model TEXT;
UPDATE items SET kind = (SELECT jobs.kind FROM jobs WHERE jobs.id = items.job);

-- The next of an organisation, what workers hold, and what of a job has not ended, each without the millions that are done.
DROP INDEX items_by_status;
CREATE INDEX items_waiting ON items (organisation, priority DESC, created, id) WHERE status = 'queued';
CREATE INDEX items_held ON items (lease_until) WHERE status = 'running';
CREATE INDEX items_open ON items (job) WHERE status IN ('queued', 'running');

-- By what the key that encrypts secrets is known again: a process with another one could not read them.
CREATE TABLE vault (
    fingerprint TEXT PRIMARY KEY
);

-- Jobs that a broker of messages is to be told of: written with the job, deleted once the broker has confirmed.
CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    job TEXT NOT NULL,
    -- How many workers are to hear of it.
    messages BIGINT NOT NULL,
    created BIGINT NOT NULL
);
