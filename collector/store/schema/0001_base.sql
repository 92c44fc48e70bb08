-- Hosts are 16 bytes: the host id, not in hexadecimal. Times are nanoseconds since
-- 1970, UTC. Epochs and ids of states are uint64 in SQLite's signed integers.
-- Bodies are records of package wire. Every key leads with the host but those of
-- the rollups over the fleet (check_rollup, day, info).

CREATE TABLE host (
  host       BLOB NOT NULL PRIMARY KEY,
  first_seen INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL,
  name       TEXT NOT NULL DEFAULT '',
  heartbeat  BLOB,                       -- the newest
  pack       BLOB,                       -- digest of the newest pack
  -- rollups of this host's rows in state
  pass INTEGER NOT NULL DEFAULT 0, fail INTEGER NOT NULL DEFAULT 0, not_applicable INTEGER NOT NULL DEFAULT 0,
  unknown INTEGER NOT NULL DEFAULT 0, error INTEGER NOT NULL DEFAULT 0, waived INTEGER NOT NULL DEFAULT 0,
  severity0 INTEGER NOT NULL DEFAULT 0, severity1 INTEGER NOT NULL DEFAULT 0, severity2 INTEGER NOT NULL DEFAULT 0,
  severity3 INTEGER NOT NULL DEFAULT 0, severity4 INTEGER NOT NULL DEFAULT 0, severity5 INTEGER NOT NULL DEFAULT 0,
  pending    INTEGER NOT NULL DEFAULT 0, -- failed results of patch-security-updates
  gaps       INTEGER NOT NULL DEFAULT 0, -- records that never came
  rejected   INTEGER NOT NULL DEFAULT 0, -- records that came and were not taken
  mismatches INTEGER NOT NULL DEFAULT 0  -- whole states whose digest was wrong
) WITHOUT ROWID;

-- What of a lane and epoch is committed: everything from first to last but the
-- ranges in gap. The highest ordinal of a lane is its newest epoch.
CREATE TABLE position (
  host    BLOB NOT NULL,
  lane    TEXT NOT NULL,
  epoch   INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  first   INTEGER NOT NULL,
  last    INTEGER NOT NULL,
  touched INTEGER NOT NULL,
  PRIMARY KEY (host, lane, epoch)
) WITHOUT ROWID;

CREATE TABLE gap (
  host     BLOB NOT NULL,
  lane     TEXT NOT NULL,
  epoch    INTEGER NOT NULL,
  from_seq INTEGER NOT NULL,
  to_seq   INTEGER NOT NULL,
  found    INTEGER NOT NULL,
  PRIMARY KEY (host, lane, epoch, from_seq)
) WITHOUT ROWID;

CREATE TABLE rejected (
  host     BLOB NOT NULL,
  lane     TEXT NOT NULL,
  epoch    INTEGER NOT NULL,
  seq      INTEGER NOT NULL,
  received INTEGER NOT NULL,
  size     INTEGER NOT NULL,
  reason   TEXT NOT NULL,
  PRIMARY KEY (host, lane, epoch, seq)
) WITHOUT ROWID;

-- The standing results.
CREATE TABLE state (
  host     BLOB NOT NULL,
  check_id TEXT NOT NULL,
  resource TEXT NOT NULL,
  status   INTEGER NOT NULL,
  severity INTEGER NOT NULL,
  since    INTEGER NOT NULL,
  body     BLOB NOT NULL,
  PRIMARY KEY (host, check_id, resource)
) WITHOUT ROWID;
CREATE INDEX state_check ON state (check_id, status, host);

-- The whole state of a lane that is not complete yet, and its parts.
CREATE TABLE part_set (
  host     BLOB NOT NULL,
  lane     TEXT NOT NULL,
  state_id INTEGER NOT NULL,
  parts    INTEGER NOT NULL,
  total    INTEGER NOT NULL,
  digest   BLOB NOT NULL,
  have     INTEGER NOT NULL,             -- rows in part
  size     INTEGER NOT NULL,             -- bytes of their bodies
  PRIMARY KEY (host, lane)
) WITHOUT ROWID;
CREATE TABLE part (
  host BLOB NOT NULL,
  lane TEXT NOT NULL,
  part INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (host, lane, part)
) WITHOUT ROWID;

-- The timeline.
CREATE TABLE event (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  host     BLOB NOT NULL,
  lane     TEXT NOT NULL,
  epoch    INTEGER NOT NULL,
  seq      INTEGER NOT NULL,
  received INTEGER NOT NULL,
  check_id TEXT NOT NULL,
  body     BLOB NOT NULL
);
CREATE INDEX event_host ON event (host, id);
CREATE INDEX event_check ON event (check_id, id);

-- Static text of checks, by SHA-256 of its encoding: a host can neither alter nor
-- forge what another host says. The text that most hosts have stands for the fleet.
CREATE TABLE info (
  hash     BLOB NOT NULL PRIMARY KEY,
  check_id TEXT NOT NULL,
  hosts    INTEGER NOT NULL,
  body     BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX info_check ON info (check_id, hosts);

CREATE TABLE host_info (
  host     BLOB NOT NULL,
  check_id TEXT NOT NULL,
  digest   BLOB NOT NULL, -- of the pack that it came in
  hash     BLOB NOT NULL,
  PRIMARY KEY (host, check_id)
) WITHOUT ROWID;

-- How many resources of a check are bad on a host; the rows with 0 are left out.
CREATE TABLE host_check (
  host     BLOB NOT NULL,
  check_id TEXT NOT NULL,
  bad      INTEGER NOT NULL,
  PRIMARY KEY (host, check_id)
) WITHOUT ROWID;

CREATE TABLE check_rollup (
  check_id TEXT NOT NULL PRIMARY KEY,
  pass INTEGER NOT NULL DEFAULT 0, fail INTEGER NOT NULL DEFAULT 0, not_applicable INTEGER NOT NULL DEFAULT 0,
  unknown INTEGER NOT NULL DEFAULT 0, error INTEGER NOT NULL DEFAULT 0, waived INTEGER NOT NULL DEFAULT 0,
  hosts INTEGER NOT NULL DEFAULT 0       -- with at least one bad resource
) WITHOUT ROWID;

CREATE TABLE day (
  day INTEGER NOT NULL PRIMARY KEY,      -- days since 1970, UTC
  pass INTEGER NOT NULL DEFAULT 0, fail INTEGER NOT NULL DEFAULT 0, not_applicable INTEGER NOT NULL DEFAULT 0,
  unknown INTEGER NOT NULL DEFAULT 0, error INTEGER NOT NULL DEFAULT 0, waived INTEGER NOT NULL DEFAULT 0,
  changes INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE credential (
  name    TEXT NOT NULL PRIMARY KEY,
  hash    TEXT NOT NULL,
  created INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE meta (
  name  TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO meta VALUES ('probe', 0), ('events_expired', 0);
