-- The advisories and CVEs that pending security updates are for, as the hosts name them:
-- a row for each name of each result that stands, see package advice.
CREATE TABLE advisory (
  kind     INTEGER NOT NULL,             -- 0: an advisory, 1: a CVE
  name     TEXT NOT NULL,
  host     BLOB NOT NULL,
  resource TEXT NOT NULL,                -- the package
  severity INTEGER NOT NULL,
  since    INTEGER NOT NULL,
  PRIMARY KEY (kind, name, host, resource)
) WITHOUT ROWID;
CREATE INDEX advisory_host ON advisory (host, resource);

-- The hosts whose pending updates are still to be read for the table above.
CREATE TABLE advisory_waiting (
  host BLOB NOT NULL PRIMARY KEY
) WITHOUT ROWID;
INSERT INTO advisory_waiting SELECT DISTINCT host FROM state WHERE check_id = 'patch-security-updates' AND status = 2;
