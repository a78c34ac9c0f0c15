-- What is known of everything that jobs have made; kept when its files are deleted.
CREATE TABLE documents (
    -- The job, a dash, and the item's number in six digits.
    id TEXT PRIMARY KEY,
    organisation TEXT NOT NULL,
    project TEXT,
    model TEXT NOT NULL,
    created BIGINT NOT NULL,
    -- JSON.
    content TEXT NOT NULL
);
CREATE INDEX documents_by_organisation ON documents (organisation, id);
CREATE INDEX documents_by_age ON documents (created);

-- What its sender notes of a job, as a JSON object of texts.
ALTER TABLE jobs ADD COLUMN metadata TEXT;
