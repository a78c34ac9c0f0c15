-- Files that come in pieces. How much has come is the length of the piece file; what is whole is in the store.
CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    length BIGINT NOT NULL,
    name TEXT,
    media_type TEXT,
    -- Where it is in the store, once it is whole.
    object TEXT,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX uploads_by_expiry ON uploads (expires);
