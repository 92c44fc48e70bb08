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
// # The soak
//
// 20,000 events a second, and floods of eight programs at once while the sensor is stopped,
// until so many events are made; meanwhile, in an order of chance (-seed), the sensor is
// killed (-9) and ended, and auditd, which is not installed at first, comes and goes. Each
// cycle is a minute at most, with an account of its own, by serial: every serial of the
// kernel's was delivered or is in a gap that was told, and never both; what was read from
// auditd's log is what stands there. A serial that is not of one of the others (records of
// other types, which a second socket hears) is our program's, for only its rule is loaded.
// What it made and has no serial is what the kernel lost before: its own count, which is of
// records, may be larger by those of events that came in part.
//
// # What is missing
//
// missing are events that the reader's own output does not have. A reader that is not
// installed is skipped, and said to be. A table of all stands at the end: medians, the
// least and the most of the rounds, and what of auditd's (RAW) they are. -readers, -loads
// and -rounds choose; the kernel is held for a reader's turn, some 20 seconds.
//
// Beside that (BenchmarkFrozen) the disk of spool and state stands still for a minute at
// 2,000 events a second, and then a process that reads the spool as the uplink does:
// missing are events, uncounted those openings of a file that a rule is about which no
// detection in the spool counts in the end. BenchmarkPipeline is what an event costs
// behind its receiving, with no rules, 100 and 500; BenchmarkSigma what matching it costs
// beside sigma-go's evaluator.
package auditbench
