// Spoolcompare damages the files of the spool and of other Go libraries that keep a
// log on disk, in the same ways, and prints what each of them makes of it.
//
//	cd scripts/spoolcompare && go run .
//
// Each library writes 60 records of about 100 bytes over three segments, where it
// has segments. Then, on a copy each time:
//
//   - flips: a byte is changed, by its lowest bit, its highest and all of them: each
//     byte of what has at most 16 KiB, else every k-th so that 4,000 are tried;
//   - torn tail: the last file with content is cut 1, 3, 10 and 50 bytes before the
//     end of its content;
//   - zeroed tail: as many bytes of it are zero.
//
// A wrong record is one that was never written, or that comes twice. A library is
// given its own means of repair. Losses are located when the library says which
// records are gone, exactly: by the numbers that it gave them.
//
// Each try runs in a child process, so that what crashes or hangs is counted and
// not the end. It is a module of its own since the product needs none of these.
package main
