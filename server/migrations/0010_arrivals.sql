-- An organisation on its way from another database, row by row. Nothing of it counts until all of it has come and the other has let
-- go of it.
CREATE TABLE arrivals (
    organisation TEXT NOT NULL,
    number BIGINT NOT NULL,
    -- The table it is of.
    name TEXT NOT NULL,
    -- The row as JSON.
    content TEXT NOT NULL,
    PRIMARY KEY (organisation, number)
);
