// Package e2e tests Seawall from end to end: the three programs as they are
// built for use, the real kernel's audit, the real sshd and sudo, a real auditd,
// and a page in Chromium. It has tests only.
//
// The tests need root. The host is not changed: the test binary runs itself again
// in a mount namespace in which /etc is a private copy, with a user of its own
// and that user's right to use sudo. The kernel's audit is the one thing that
// cannot be private: it is taken under the lock /tmp/seawall-audit.lock and left
// as it was found.
package e2e
