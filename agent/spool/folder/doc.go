// Package folder opens the files of a spool without being led elsewhere: it follows
// no symbolic link below the spool's directory, does not block on a FIFO, and takes
// no file that has a second name. It lists lanes and segments, holds the writer's
// lock, and tells readers of changes.
//
// Directories have mode 0750, files 0640. What stands under a name of the spool
// and cannot be a file of it is refused by readers and renamed to *.bad by the
// writer, which keeps three in each directory. A segment that is a file stays
// where it is, however damaged: its other records are good, its name says what
// should be in it, and the lane's bound removes it in its turn.
package folder
