-- What is bad of a check, longest first: a page of it costs what it shows. The condition
-- must stand so in each query that uses the index.
CREATE INDEX state_bad ON state (check_id, since, host, resource) WHERE status IN (2, 4, 5);
