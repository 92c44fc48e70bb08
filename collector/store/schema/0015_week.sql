-- On PostgreSQL the timeline has a part for each week from here on, see package week and
-- the file of this name in the folder postgres. Here nothing is to be done.
UPDATE meta SET value = value WHERE name = 'probe';
