// Package updates reads whether security updates install themselves: by
// unattended-upgrades on Debian and Ubuntu, by dnf-automatic or dnf5 automatic on
// Fedora and the family of RHEL.
//
// The answer has four parts, each with its reason and evidence, and is yes only
// where all of them are: the program is installed, its configuration makes it
// install what the security pocket offers, a timer runs it, and a successful run
// is on record in the last [RunDays] days. A timer that runs a program that only
// downloads is no automatic update.
//
// # unattended-upgrades
//
// apt's configuration is read as apt-config gives it (package apt/conf).
// /usr/lib/apt/apt.systemd.daily decides by APT::Periodic::Enable,
// Update-Package-Lists and Unattended-Upgrade whether anything runs, and
// unattended-upgrade by Allowed-Origins and Origins-Pattern what it may install.
// The patterns are matched against the Release files of the security pockets among
// the host's sources, or, where no list was fetched yet, against what the vendor is
// known to write there; ${distro_id} and ${distro_codename} are what lsb_release
// says. A pattern that unattended-upgrade cannot read stops it altogether. What the
// blacklist keeps back is listed; one that matches every package counts as off.
//
// Both apt-daily.timer and apt-daily-upgrade.timer have to run. Success is on
// record in /var/lib/apt/periodic/upgrade-stamp, which apt.systemd.daily touches
// only then, and in unattended-upgrades.log, whose times are the host's local ones.
//
// # dnf-automatic and dnf5 automatic
//
// Each of the timers (dnf-automatic.timer, -install, -notifyonly, -download,
// dnf5-automatic.timer) is looked at with the options in its service's ExecStart,
// drop-ins included, since they override the configuration. dnf5 reads the
// distribution's /usr/share/dnf5/dnf5-plugins/automatic.conf first and the host's
// after it. Where a release publishes no advisories (CentOS Stream),
// upgrade_type = security installs nothing and counts as off.
//
// Success is what the running systemd remembers of the service, or a run in dnf's
// log without an error in it. A timer's stamp proves a start and no success: where
// there is nothing else the last run is unknown.
//
// # Timers
//
// On the running system systemd is asked over D-Bus, so that a timer that was
// stopped by hand counts as off. For an image, and where nobody answers, the unit
// files decide (package unitfile).
//
// # Not done here
//
// Updates by cron jobs of the host's owner, configuration management, rpm-ostree,
// snaps or new images are not seen: they need a waiver, with its reason.
package updates
