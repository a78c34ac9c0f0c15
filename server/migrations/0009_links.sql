-- Addresses of results that were given for those who have no key, and that a cache before the service may keep: it is told when
-- their files are gone.
CREATE TABLE links (
    -- As it was given: path and query.
    path TEXT PRIMARY KEY,
    job TEXT NOT NULL,
    -- From when on the service gives it to nobody, and so no cache.
    expires BIGINT NOT NULL,
    -- When its job's files were deleted and the caches have not heard of it.
    gone BIGINT
);
CREATE INDEX links_by_job ON links (job);
CREATE INDEX links_gone ON links (gone) WHERE gone IS NOT NULL;
CREATE INDEX links_by_end ON links (expires);
