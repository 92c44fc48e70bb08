-- What lists of hosts are filtered by, as the newest heartbeat has it. It is apart
-- from host, whose rows every record changes: these change when a host is renamed,
-- moved or upgraded.
CREATE TABLE host_label (
  host   BLOB NOT NULL PRIMARY KEY,
  os     TEXT NOT NULL,
  region TEXT NOT NULL,
  search TEXT NOT NULL                   -- what free text is looked for in, in lower case
) WITHOUT ROWID;

-- The tags that a host gives itself: to find it by, never to decide who may see it.
CREATE TABLE host_told (
  host BLOB NOT NULL,
  tag  TEXT NOT NULL,
  PRIMARY KEY (host, tag)
) WITHOUT ROWID;
CREATE INDEX host_told_tag ON host_told (tag, host);

-- The tags that an administrator or a token gave: they say who may see a host.
CREATE TABLE IF NOT EXISTS host_tag (
  host BLOB NOT NULL,
  tag  TEXT NOT NULL,
  PRIMARY KEY (host, tag)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS host_tag_tag ON host_tag (tag, host);

-- Security updates by package. Of the results of all checks only these have a row
-- here, and it changes when an update comes to be pending or is installed.
CREATE INDEX state_pending ON state (resource, host, since) WHERE check_id = 'patch-security-updates' AND status = 2;

-- The few hosts that count in no sum over the fleet.
CREATE INDEX host_archived ON host (host) WHERE archived <> 0;
