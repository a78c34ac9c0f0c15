-- What is to be made later. A job has items; an item is what one worker makes at a time.
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    -- The key that sent it.
    actor TEXT NOT NULL,
    -- `pictures` or `video`.
    kind TEXT NOT NULL,
    -- What its sender calls it.
    name TEXT,
    -- What it belongs to, if to anything.
    project TEXT,
    -- `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    status TEXT NOT NULL,
    priority BIGINT NOT NULL,
    -- What is made of every item, as JSON.
    work TEXT NOT NULL,
    created BIGINT NOT NULL,
    started BIGINT,
    finished BIGINT,
    -- When its files are deleted; null while it is not finished.
    expires BIGINT,
    -- Whether they are deleted: 0 or 1.
    purged BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX jobs_by_organisation ON jobs (organisation, id);
CREATE INDEX jobs_by_expiry ON jobs (purged, expires);

CREATE TABLE items (
    id TEXT PRIMARY KEY,
    job TEXT NOT NULL REFERENCES jobs (id),
    organisation TEXT NOT NULL,
    -- From 1.
    number BIGINT NOT NULL,
    -- What its sender calls the file.
    name TEXT,
    -- `object:` and a path in the store, or an address.
    source TEXT NOT NULL,
    status TEXT NOT NULL,
    priority BIGINT NOT NULL,
    created BIGINT NOT NULL,
    -- When it may begin, after a failure that may pass.
    run_after BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    -- Who works on it, until when unless that is renewed, and how often it was begun: only the latest beginning may end it.
    worker TEXT,
    lease_until BIGINT,
    fence BIGINT NOT NULL DEFAULT 0,
    -- 0 to 1, and what is being done.
    progress DOUBLE PRECISION NOT NULL DEFAULT 0,
    stage TEXT,
    started BIGINT,
    finished BIGINT,
    -- Where the result is, and what is known of it as JSON.
    result TEXT,
    media_type TEXT,
    details TEXT,
    error_code TEXT,
    error_detail TEXT
);
CREATE INDEX items_by_job ON items (job, number);
CREATE INDEX items_by_status ON items (status, priority, run_after);

-- When an organisation had its last turn: who has waited longest is next.
CREATE TABLE turns (
    organisation TEXT PRIMARY KEY,
    at BIGINT NOT NULL
);

-- Requests that must not be carried out twice.
CREATE TABLE idempotency_keys (
    organisation TEXT NOT NULL,
    key TEXT NOT NULL,
    -- SHA-256 of the request.
    request TEXT NOT NULL,
    job TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (organisation, key)
);
