-- The timeline has a part for each week, see package week. What there is becomes the
-- first; its name says that it is of no week, and begins with the number 1.
ALTER TABLE event RENAME TO event_0_1;
ALTER INDEX event_pkey RENAME TO event_0_1_pkey;
CREATE TABLE event (LIKE event_0_1 INCLUDING DEFAULTS, PRIMARY KEY (id)) PARTITION BY RANGE (id);
ALTER TABLE event ATTACH PARTITION event_0_1 FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
