-- People who are signed in, by the hashes of what their browsers keep.
CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    -- The user, or the key that was used to sign in.
    actor TEXT NOT NULL,
    role TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX sessions_by_actor ON sessions (actor);
