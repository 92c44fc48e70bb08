// Package fill puts a simulated fleet with a past into a store: hosts with the
// results of 220 checks each, and their changes, heartbeats and detections of so many
// days, the same for the same seed.
//
// Everything goes through the store's own interface, as ingest would hand it over, at
// a clock that runs through the days. So rollups, chains, labels and indexes are what
// the store makes of it, and a figure about them is a figure about the store.
//
// Hosts differ: in system, region, tags and how much is wrong with them. A host
// changes once a day in the mean; each third change names who made it. Every seventh
// day brings security updates, which half of the hosts install the day after. Of a
// hundred hosts one never spoke, two fell silent on some day, and two detect something
// on a day.
package fill
