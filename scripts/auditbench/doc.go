// Package auditbench measures programs that read kernel audit beside one another, on
// the machine's own kernel: what an event costs them and how many they can take. It
// has benchmarks and tests and nothing else; both need root, and the kernel's audit
// system for themselves while they run.
//
//	make bench BENCH=./scripts/auditbench
//	go test ./scripts/auditbench -run Soak -v -timeout 1h -args -events 10000000
//
// # What is measured
//
// A program opens a file for writing, at a rate, as a user of its own to whom alone
// the one audit rule applies: each is an event of five records (SYSCALL, CWD, PATH,
// PROCTITLE, EOE). The readers are
//
//   - auditd with log_format RAW, the same with ENRICHED, and RAW with laurel as its
//     plugin, as Debian configures them but for rotation;
//   - go-libaudit's parser, reassembler and coalescing, with names resolved and each
//     event written as JSON, which is what Auditbeat does before its output;
//   - seawall: what the sensor does with events: parser, assembler, account of serials,
//     process table and logins, all of its own detections (more than 100) and one that
//     matches every 64th event, redaction, spool.
//
// One round runs every reader once with every load; the figures are medians over the
// rounds, of which the readers take turns, since the machine may be shared. CPU is the
// reader's process clock, in user and kernel mode, all threads (and laurel's).
//
//   - flat: as fast as the kernel lets the program, which waits when its queue is full
//     (backlog_wait_time), so nothing is lost: cpu-µs/event, events/s, and the
//     longest system call of the program, worst-ms.
//   - 2000, 100: so many events a second, each by itself: cpu-µs/event, cpu-% of one
//     core, and how often a thread of the reader went to sleep, sleeps/event.
//   - lossless: the highest of a ladder of rates at which nothing is lost although the
//     kernel does not wait (backlog_wait_time 0): events/s.
//
// missing are events that the reader's own output does not have. A reader that is not
// installed is skipped, and said to be.
package auditbench
