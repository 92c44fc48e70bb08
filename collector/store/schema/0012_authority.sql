-- The authority that signs certificates, where collectors share the database; see
-- package authority. One row is the state, and the others are keys; all are sealed.
CREATE TABLE authority (
  name     TEXT NOT NULL PRIMARY KEY,    -- the id of a key, or "state"
  revision INTEGER NOT NULL,             -- of the state; 0 for a key
  sealed   BLOB NOT NULL
) WITHOUT ROWID;
