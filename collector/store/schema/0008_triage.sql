-- What people decide about findings, apart from what hosts said: nothing here changes
-- a result. Times are nanoseconds since 1970, UTC, 0 where not set.

-- How often a result that stands was bad and then good again, and when last. A row
-- is written when that happens, and goes with its result.
CREATE TABLE life (
  host     BLOB NOT NULL,
  check_id TEXT NOT NULL,
  resource TEXT NOT NULL,
  times    INTEGER NOT NULL,
  resolved INTEGER NOT NULL,
  PRIMARY KEY (host, check_id, resource)
) WITHOUT ROWID;

-- Who looks after a finding. Times is what life had when it was written: a finding
-- that was good since and is bad again wants to be looked at anew.
CREATE TABLE triage (
  host     BLOB NOT NULL,
  check_id TEXT NOT NULL,
  resource TEXT NOT NULL,
  assignee TEXT NOT NULL,
  note     TEXT NOT NULL,
  who      TEXT NOT NULL,
  changed  INTEGER NOT NULL,
  times    INTEGER NOT NULL,
  PRIMARY KEY (host, check_id, resource)
) WITHOUT ROWID;

-- What somebody answers for, until a day. It stands for results of one check: of one
-- resource or all, on one host, on those with a tag that an administrator gave, or on
-- all.
CREATE TABLE waiver (
  id       TEXT NOT NULL PRIMARY KEY,
  check_id TEXT NOT NULL,
  resource TEXT NOT NULL,                -- empty: all
  host     BLOB NOT NULL,                -- empty: all
  tag      TEXT NOT NULL,                -- empty: all
  owner    TEXT NOT NULL,
  reason   TEXT NOT NULL,
  who      TEXT NOT NULL,                -- made it
  made     INTEGER NOT NULL,
  expires  INTEGER NOT NULL,
  ended    INTEGER NOT NULL,             -- before that, by a person
  ended_by TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX waiver_check ON waiver (check_id, expires);
