-- Who may deliver: invitations, hosts as they were admitted, hosts that wait. Times
-- that are not set are 0. Secrets are not here: a token is the hash of its secret.
CREATE TABLE token (
  id       TEXT NOT NULL PRIMARY KEY,
  hash     BLOB NOT NULL,
  label    TEXT NOT NULL,
  created  INTEGER NOT NULL,
  expires  INTEGER NOT NULL,
  uses     INTEGER NOT NULL,
  used     INTEGER NOT NULL,
  scope    TEXT NOT NULL,                -- JSON
  approval INTEGER NOT NULL,
  revoked  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE member (
  host         BLOB NOT NULL PRIMARY KEY,
  key          BLOB NOT NULL,            -- SHA-256 of the public key
  standing     TEXT NOT NULL,
  reason       TEXT NOT NULL,
  since        INTEGER NOT NULL,
  enrolled     INTEGER NOT NULL,
  token        TEXT NOT NULL,
  clone_of     BLOB NOT NULL,            -- a host, or empty
  expires      INTEGER NOT NULL,
  session      INTEGER NOT NULL,
  confirmed    INTEGER NOT NULL,
  bundle       INTEGER NOT NULL,
  recoveries   INTEGER NOT NULL,
  recovered    INTEGER NOT NULL,
  host_name    TEXT NOT NULL,
  droplet_id   TEXT NOT NULL,
  machine_id   TEXT NOT NULL,
  product_uuid TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX member_key ON member (key);

CREATE TABLE request (
  key          BLOB NOT NULL PRIMARY KEY,
  host_name    TEXT NOT NULL,
  droplet_id   TEXT NOT NULL,
  machine_id   TEXT NOT NULL,
  product_uuid TEXT NOT NULL,
  address      TEXT NOT NULL,
  token        TEXT NOT NULL,
  clone_of     BLOB NOT NULL,
  asked        INTEGER NOT NULL,
  again        INTEGER NOT NULL,
  decision     TEXT NOT NULL
) WITHOUT ROWID;

-- A host is archived from then on: kept, and in no rollup over the fleet.
ALTER TABLE host ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
-- The timeline tells since then that the host is silent.
ALTER TABLE host ADD COLUMN silent INTEGER NOT NULL DEFAULT 0;

-- The newest record of a position: the first 8 bytes of its payload's SHA-256.
ALTER TABLE position ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;

-- Why records are missing. A row with fewer records than its range holds stands for
-- several ranges; what it holds is not told apart from what came.
ALTER TABLE gap ADD COLUMN reason TEXT NOT NULL DEFAULT 'unexplained';
ALTER TABLE gap ADD COLUMN records INTEGER NOT NULL DEFAULT 0;
UPDATE gap SET records = to_seq - from_seq + 1;

-- When the collector itself was away: no host's silence.
CREATE TABLE outage (
  began INTEGER NOT NULL PRIMARY KEY,
  ended INTEGER NOT NULL
);
INSERT INTO meta VALUES ('alive', 0);
