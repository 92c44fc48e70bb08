// Package roomy gets the sensor's audit socket the receive buffer that it asks for.
//
// The socket by which the sensor is the audit daemon has to be its own, not one that
// systemd opened: the kernel lets no other process end the registration, so the socket's
// end must do it, and what a socket unit opened stays open. Without CAP_NET_ADMIN, which
// the sensor has not, the kernel caps such a socket's buffer at net.core.rmem_max, twice
// 208 KiB or some 460 records. When it is full the kernel tries five times, a tenth of a
// second each, drops the record and counts nothing; measured, a restart at forty events a
// second lost hundreds.
//
// So the sensor sends the descriptor to [Socket], for which systemd starts
// seawall-buffer@.service: a process with that one capability, which takes nothing but an
// audit socket, sets its buffer to kaudit.DefaultBuffer and ends ([Serve]). The buffer
// belongs to the socket and outlives both. Where the helper is not installed the buffer is
// as small as it was, which "seawall audit status" says.
package roomy
