// Package peers measures the programs beside those that people use for the same
// question, as processes: the whole of what a user waits and pays for, from exec to
// exit. It has benchmarks and nothing else.
//
//	make bench BENCH=./scripts/peers
//
// Each group begins with seawall. cpu-ms is the time of all processors in user and
// system mode, rss-MB the largest resident size, wait-ms the time to the exit. The
// others have cpu-ratio and rss-ratio too: their figure divided by seawall's of the
// same run. A program that is not installed is skipped, and said to be.
//
//   - Check: the whole posture of the running system, beside Lynis; with the size of
//     the output and how many programs are started for it.
//   - Host: pending updates of the running system, beside apt. Whatever it is, apt's
//     lists have to be there.
//   - RPM: a made root of 1,000 packages and 5,000 advisories, beside dnf. The
//     programs of scripts/setup make it.
//   - Restart: which processes run replaced files, beside needrestart and
//     checkrestart. Root sees all processes.
package peers
