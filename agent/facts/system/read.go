package system

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/distro"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

const maxWord = 256 // bytes of a name in a finding

// Read returns what the operating system says of itself.
func Read(_ context.Context, env fact.Env) Facts {
	start := time.Now()
	f := read(env)
	f.Meta.Took = time.Since(start)
	return f
}

func read(env fact.Env) Facts {
	var f Facts
	f.Meta.Depend(distro.Files()...)
	f.Life.State = LifeUnknown
	f.Reboot = readReboot(env.Root, env.Live())
	f.Meta.Depend(rebootDepends()...)

	raw, name, err := osRelease(env)
	if err != nil {
		f.Meta.Fail("read os-release", err)
		if f.Meta.State == fact.StateAbsent {
			f.Meta.State = fact.StateUnknown
		}
		f.Life.Reason = f.Meta.Reason
		return f
	}
	o := distro.ParseOS(raw)
	f.ID, f.VersionID = text.Clean(o.ID, maxWord), text.Clean(o.VersionID, maxWord)
	f.Codename, f.Name = text.Clean(o.Codename, maxWord), text.Clean(o.PrettyName, maxWord)
	f.Family = o.Family()
	if o.ID == "" {
		f.Meta.State, f.Meta.Reason = fact.StateUnknown, name+" has no ID"
		f.Life.Reason = f.Meta.Reason
		return f
	}
	f.Meta.State = fact.StateKnown
	if info := distro.DistroInfoFile(o); info != "" {
		f.Meta.Depend(info)
	}
	f.Life = life(env, o, tableFile())
	if o.ID == "ubuntu" {
		f.Pro = readPro(env, &f.Meta)
	}
	f.Life.Covered = covered(&f.Life, f.Pro)
	return f
}

func osRelease(env fact.Env) (text []byte, name string, err error) {
	for _, name = range distro.Files() {
		text, err = env.Root.ReadFile(name, 0)
		if !errors.Is(err, fs.ErrNotExist) {
			return text, name, err
		}
	}
	return nil, name, err
}

// tableFile is the table that a package of Seawall installed on the machine that
// this runs on, whichever host is looked at.
func tableFile() []byte {
	b, err := hostfs.Root{}.ReadFile(distro.TableFile, 0)
	if err != nil {
		return nil
	}
	return b
}

// life asks the table, the release itself and distro-info.
func life(env fact.Env, o distro.OS, newer []byte) Life {
	var claims []distro.Claim
	if c, ok := distroInfo(env, o); ok {
		claims = append(claims, c)
	}
	table := distro.Newest(newer, env.Now())
	l, up := table.LifeOf(o, env.Now(), claims...), table.UpgradeOf(o)
	return Life{
		Upgrade: text.Clean(up.String(), text.Limit), UpgradeTo: text.Clean(up.To, maxWord), UpgradeTool: up.Tool,
		State: string(l.State), Ends: day(l.Ends), ExtendedEnds: day(l.Extended), ExtendedKind: l.Kind,
		DaysLeft: l.DaysLeft, Source: text.Clean(l.Source, maxWord),
		Reason: text.Clean(l.Reason, text.Limit), Conflict: text.Clean(l.Conflict, text.Limit),
	}
}

// distroInfo is the claim of the installed distro-info, if that is not older than
// the built-in table may be.
func distroInfo(env fact.Env, o distro.OS) (c distro.Claim, ok bool) {
	name := distro.DistroInfoFile(o)
	if name == "" {
		return c, false
	}
	fi, err := env.Root.Stat(name)
	if err != nil || env.Now().Sub(fi.ModTime()) > distro.TableLife {
		return c, false
	}
	csv, err := env.Root.ReadFile(name, 0)
	if err != nil {
		return c, false
	}
	if c, ok = distro.DistroInfo(o, csv); ok {
		c.Source = fmt.Sprintf("%s of %s", name, day(fi.ModTime()))
	}
	return c, ok
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}
