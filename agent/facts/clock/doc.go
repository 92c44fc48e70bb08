// Package clock reads what keeps the time right: whether the kernel's clock is
// synchronised, and the programs that do it with their sources.
//
// # What is read
//
// The kernel's own word by adjtimex(2), with no modes, which changes nothing: the
// flag STA_UNSYNC, and the largest error. chronyd clears the flag only with the
// directive rtcsync, so that without it nothing is known. In a container the clock
// is the host's.
//
// Of the programs: chrony.conf(5) with its include, confdir and sourcedir; the merged
// timesyncd.conf(5); ntp.conf(5) of NTPsec and of ntp.org; ntpd.conf(5) of OpenNTPD.
// Whom a program runs as is told by its process where one runs and by its
// configuration and unit elsewhere.
//
// # Not done here
//
// Sources that a network hands out by DHCP are in /run and are read for chrony alone.
// Nobody is asked for the time. Of more sources than are looked at it is said that
// there are more (Meta.Partial).
package clock
