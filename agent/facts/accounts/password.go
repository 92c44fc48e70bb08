package accounts

import (
	"strconv"
	"time"

	"seawall/pkg/passwd"
)

func itoa(n int) string { return strconv.Itoa(n) }

// password is the state and age of a user's password.
func (r *reader) password(u passwd.User) (Password, Age) {
	none := Age{ChangedDays: -1, Min: -1, Max: -1, Warn: -1, Inactive: -1}
	if u.Password.State != passwd.Shadowed {
		return Password{State: u.Password.State, Method: u.Password.Method, Strong: u.Password.Strong(),
			InPasswd: u.Password.State == passwd.Set || u.Password.State == passwd.Locked, File: passwdFile, Line: u.Line}, none
	}
	e, ok := r.shadow[u.Name]
	switch {
	case !r.Shadow.Known:
		return Password{State: "unknown", File: passwdFile, Line: u.Line}, none
	case !ok:
		r.problem("no_shadow", "no entry of "+shadowFile+" is called "+clean(u.Name), passwdFile, u.Line)
		return Password{State: passwd.None, File: passwdFile, Line: u.Line}, none
	}
	p := Password{State: e.Password.State, Method: e.Password.Method, Strong: e.Password.Strong(), File: shadowFile, Line: e.Line}
	if p.State == passwd.Shadowed {
		p.State = passwd.None // an "x" in shadow matches nothing
	}
	return p, r.age(e)
}

// age reads the days of a shadow entry, as shadow(5) and pam_unix mean them: 99999
// and more is no limit in practice and is kept as written.
func (r *reader) age(e passwd.Shadow) Age {
	today := int(r.now.Unix() / 86400)
	a := Age{ChangedDays: -1, Min: e.Min, Max: e.Max, Warn: e.Warn, Inactive: e.Inactive}
	switch {
	case e.Changed == 0:
		a.MustChange = true
	case e.Changed > 0:
		a.Changed = dayOf(e.Changed)
		a.ChangedDays = max(today-e.Changed, 0)
		a.Future = e.Changed > today
	}
	if e.Expire >= 0 {
		a.Expires = dayOf(e.Expire)
		a.Expired = today >= e.Expire
	}
	a.Lapsed = e.Changed > 0 && e.Max >= 0 && e.Inactive >= 0 && today > e.Changed+e.Max+e.Inactive
	return a
}

// dayOf is a day since 1970, as far as dates go.
func dayOf(n int) string {
	return time.Unix(int64(min(n, 2_900_000))*86400, 0).UTC().Format(time.DateOnly)
}
