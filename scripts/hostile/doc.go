// Package hostile holds the program to its bounds on hosts made to break it.
//
// Its test builds images in which whatever the facts depend on is something
// else: a FIFO, a directory, a link to itself or out of the image, a device, a
// gigabyte, one endless line, no text at all, a file that includes itself. Over
// each of them `seawall check` must end within 5 s of CPU and 96 MB of memory,
// break down nowhere, write nothing, and let no check pass for want of a file.
// testdata/root.txtar is the host that they start from: wrong wherever it can
// be, with the word hunter2 wherever a secret may stand, which nothing may
// repeat.
//
// The same holds where such a tree is the host itself: the program runs in it as root,
// in namespaces of its own, with the kernel's files replaced too, with false programs
// first in PATH, and with an sshd that others could have put there, which is not to be
// run. Tracing shows that over an image no process starts, and that of logs of a
// gigabyte next to nothing is read. Ten thousand users are all looked at; of more than
// that nothing passes. These tests want root.
package hostile
