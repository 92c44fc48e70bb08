// Package listen decides how kernel audit is read and opens the connections: as the audit
// daemon where there is none, beside one where one runs, and from the one to the other
// without missing a record. The connection that follows is opened before the one there was
// ends; what is queued in that is handed out, and of what both gave the second is known
// ([Overlap]). A socket that is registered is left with systemd, where it outlives us.
package listen
