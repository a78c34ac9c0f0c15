-- Who may do what. Identifiers are text, times are milliseconds since 1970, and what is structured is JSON as text, so that
-- one text serves SQLite and PostgreSQL.
CREATE TABLE organisations (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    email TEXT NOT NULL UNIQUE,
    -- Argon2id in its PHC notation; null for those who cannot sign in by password.
    password_hash TEXT,
    role TEXT NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    name TEXT NOT NULL,
    -- The key's first characters, for people to tell keys apart.
    prefix TEXT NOT NULL,
    -- SHA-256 of the key, in hexadecimal. The key itself is nowhere.
    hash TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT,
    revoked BIGINT
);
CREATE INDEX api_keys_by_organisation ON api_keys (organisation, id);

CREATE TABLE audit_log (
    id TEXT PRIMARY KEY,
    organisation TEXT NOT NULL,
    -- The key or user that did it; `system` for the program itself.
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX audit_log_by_organisation ON audit_log (organisation, id);

-- Pictures that a user sent to say that their cut-out was bad.
CREATE TABLE improvements (
    id TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    object TEXT NOT NULL,
    filename TEXT,
    tag TEXT,
    created BIGINT NOT NULL
);
CREATE INDEX improvements_by_organisation ON improvements (organisation, created);
