-- The rows of advisory put together by name and host, so that hosts are counted without
-- telling their packages apart, see package advice.
CREATE TABLE advised (
  kind     INTEGER NOT NULL,
  name     TEXT NOT NULL,
  host     BLOB NOT NULL,
  packages INTEGER NOT NULL,             -- rows in advisory
  severity INTEGER NOT NULL,             -- the worst
  since    INTEGER NOT NULL,             -- the earliest
  PRIMARY KEY (kind, name, host)
) WITHOUT ROWID;
CREATE INDEX advised_host ON advised (host);
INSERT INTO advised SELECT kind, name, host, count(*), max(severity), min(since) FROM advisory GROUP BY kind, name, host;
