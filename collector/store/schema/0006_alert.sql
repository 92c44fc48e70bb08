-- What people are told by message. Times are nanoseconds since 1970, UTC, 0 where not
-- set. Routes are names: where they lead, and with which secret, is not known here.

CREATE TABLE alert_rule (
  id      INTEGER NOT NULL PRIMARY KEY,
  name    TEXT NOT NULL UNIQUE,
  body    TEXT NOT NULL,                 -- the rule as JSON
  changed INTEGER NOT NULL
);

-- How far the timeline and the detections were looked through. Who moves a mark from
-- where it stood has looked; another collector that did the same has to begin anew.
CREATE TABLE alert_mark (
  name  TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
);

-- Signals that wait for their group's next message.
CREATE TABLE alert_waiting (
  rule  INTEGER NOT NULL,
  grp   TEXT NOT NULL,
  place INTEGER NOT NULL,
  body  TEXT NOT NULL,                   -- the signal as JSON
  PRIMARY KEY (rule, grp, place)
);

-- Groups: when the next message may go, and how many signals it has beyond those kept.
CREATE TABLE alert_group (
  rule INTEGER NOT NULL,
  grp  TEXT NOT NULL,
  due  INTEGER NOT NULL,                 -- 0: nothing waits
  told INTEGER NOT NULL,                 -- the last message
  kept INTEGER NOT NULL,
  more INTEGER NOT NULL,
  PRIMARY KEY (rule, grp)
);
CREATE INDEX alert_group_due ON alert_group (due);

-- Subjects that were told of in their quiet time, and what is held back of them.
CREATE TABLE alert_subject (
  rule    INTEGER NOT NULL,
  subject TEXT NOT NULL,
  until   INTEGER NOT NULL,              -- the end of the quiet time
  told    INTEGER NOT NULL,
  held    INTEGER NOT NULL,
  body    TEXT NOT NULL,                 -- the newest signal that is held, or empty
  PRIMARY KEY (rule, subject)
);
CREATE INDEX alert_subject_until ON alert_subject (until);

-- Messages of each rule in the current hour.
CREATE TABLE alert_hour (
  rule INTEGER NOT NULL PRIMARY KEY,
  hour INTEGER NOT NULL,
  sent INTEGER NOT NULL
);

-- Messages on their way and what became of them.
CREATE TABLE outbox (
  seq      INTEGER NOT NULL PRIMARY KEY,
  id       TEXT NOT NULL UNIQUE,
  route    TEXT NOT NULL,
  kind     TEXT NOT NULL,
  type     TEXT NOT NULL,                -- media type of the body
  title    TEXT NOT NULL,
  rule     TEXT NOT NULL,
  made     INTEGER NOT NULL,
  due      INTEGER NOT NULL,             -- of the next attempt
  attempts INTEGER NOT NULL,
  state    TEXT NOT NULL,                -- waiting, sent, refused, expired
  ended    INTEGER NOT NULL,
  took     INTEGER NOT NULL,             -- of the last attempt
  detail   TEXT NOT NULL,                -- what the last attempt said
  body     BLOB NOT NULL
);
CREATE INDEX outbox_route ON outbox (route, state, seq);
CREATE INDEX outbox_state ON outbox (state, seq);
