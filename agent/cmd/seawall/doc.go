// Command seawall checks a host and watches that it stays as it should be.
//
// "seawall sensor" is the daemon; the other commands are for people. They read
// the host and the spool and change nothing. The program opens no network
// socket and links nothing that could.
//
// Exit status: 0 when all is well, 1 when there are findings, 2 when something
// could not be done or evaluated.
package main
