-- Addresses that are told of jobs.
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    url TEXT NOT NULL,
    -- The signing secret, encrypted.
    secret TEXT NOT NULL,
    created BIGINT NOT NULL,
    -- Why it is told nothing any more; null while it is.
    disabled TEXT
);
CREATE INDEX webhooks_by_organisation ON webhooks (organisation, id);

-- What an address is to be told, and how often that was tried.
CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    webhook TEXT NOT NULL REFERENCES webhooks (id),
    event TEXT NOT NULL,
    payload TEXT NOT NULL,
    -- `waiting`, `delivered` or `failed`.
    status TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    -- When it is tried next.
    next_at BIGINT NOT NULL,
    created BIGINT NOT NULL,
    delivered BIGINT,
    -- The status or error of the last try.
    last_answer TEXT
);
CREATE INDEX deliveries_by_webhook ON deliveries (webhook, id);
CREATE INDEX deliveries_by_time ON deliveries (status, next_at);

-- What a person is working on: a name, and whatever their program keeps of it.
CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);
CREATE INDEX projects_by_organisation ON projects (organisation, id);
