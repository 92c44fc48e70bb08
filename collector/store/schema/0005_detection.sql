-- What rules saw in hosts' audit events. A row is one storm, of which a host reports
-- again while it grows; the newest report stands. Place rises with each report of any
-- host: it is the order of lists and their cursor.
CREATE TABLE detection (
  host     BLOB NOT NULL,
  storm    TEXT NOT NULL,                -- the host's id for it
  place    INTEGER NOT NULL,
  received INTEGER NOT NULL,             -- the newest report
  rule     TEXT NOT NULL,
  severity INTEGER NOT NULL,
  count    INTEGER NOT NULL,             -- uint64
  first    INTEGER NOT NULL,
  last     INTEGER NOT NULL,
  ended    INTEGER NOT NULL,
  body     BLOB NOT NULL,
  PRIMARY KEY (host, storm)
) WITHOUT ROWID;
-- Detections are few beside results: a host sends one of a storm at a time.
CREATE INDEX detection_place ON detection (place, received);
CREATE INDEX detection_host ON detection (host, place, severity);
CREATE INDEX detection_rule ON detection (rule, place);
CREATE INDEX detection_severity ON detection (severity, place);

-- How many rows of detection a host has of a severity.
CREATE TABLE detection_count (
  host     BLOB NOT NULL,
  severity INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  PRIMARY KEY (host, severity)
) WITHOUT ROWID;

-- Storms that were first told of on that day.
ALTER TABLE day ADD COLUMN detections INTEGER NOT NULL DEFAULT 0;

INSERT INTO meta VALUES ('detections_expired', 0), ('detections_dropped', 0);
