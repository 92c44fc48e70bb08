// Package views keeps lists of hosts that people look at again: a filter and an order
// under a name. Each belongs to a user, whose own it is until it is shared with everybody.
//
// What a query says is for who reads it: here it is a text of bounded length. A name is
// one of its user's views alone: what is saved under it again takes its place. Views go
// with their user, and when the user's name is forgotten.
package views

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"seawall/collector/db"
)

// How many views there can be: all that a user sees stand on one page.
const (
	Most       = 50  // of a user
	MostShared = 100 // of all users together
)

const (
	maxName  = 64   // characters
	maxQuery = 1000 // bytes
)

// View is a list of hosts under a name.
type View struct {
	ID      string
	Account string // saved it
	Name    string
	Query   string // of the list's address; never empty
	Shared  bool   // with everybody
	Made    time.Time
}

// Problems returns what is wrong with a new view, in sentences for the person who saves
// it.
func (v View) Problems() (all []string) {
	if utf8.RuneCountInString(v.Name) > maxName || !strings.ContainsFunc(v.Name, shows) || !printable(v.Name) {
		all = append(all, fmt.Sprintf("Give it a name of 1 to %d characters.", maxName))
	}
	switch {
	case v.Query == "":
		all = append(all, "Filter or order the list first: this would be all hosts.")
	case len(v.Query) > maxQuery || !printable(v.Query):
		all = append(all, "The filter is too long to be saved.")
	}
	return all
}

// shows reports whether a character can be seen: a link has to be.
func shows(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// printable reports whether a text is UTF-8 without control characters, also without those
// that turn the direction of what follows.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) })
}

// ErrFull is returned by [Save] when the user has [Most] views, ErrSharedFull when
// [MostShared] are shared.
var (
	ErrFull       = errors.New("the user has no room for more views")
	ErrSharedFull = errors.New("there is no room for more shared views")
)

const columns = "SELECT id, account, name, query, shared, made FROM saved_view "

func read(scan func(...any) error) (v View, err error) {
	var shared, made int64
	err = scan(&v.ID, &v.Account, &v.Name, &v.Query, &shared, &made)
	v.Shared, v.Made = shared != 0, time.Unix(0, made).UTC()
	return v, err
}

// Save keeps a view, in the place of one that its account has by that name, and returns
// what that was: the zero View where there was none. A view with [View.Problems] is not
// kept. Of v neither the id nor the time is read.
func Save(w db.Writer, now time.Time, v View) (was View, err error) {
	if all := v.Problems(); len(all) > 0 {
		return View{}, fmt.Errorf("view: %s", strings.Join(all, " "))
	}
	was, err = room(w, v)
	if err != nil {
		return View{}, err
	}
	flag := 0
	if v.Shared {
		flag = 1
	}
	if was.ID != "" {
		err = w.Exec("UPDATE saved_view SET query = ?, shared = ?, made = ? WHERE id = ?", v.Query, flag, now.UnixNano(), was.ID)
	} else {
		err = w.Exec("INSERT INTO saved_view (id, account, name, query, shared, made) VALUES (?, ?, ?, ?, ?, ?)",
			rand.Text()[:12], v.Account, v.Name, v.Query, flag, now.UnixNano())
	}
	if err != nil {
		return View{}, fmt.Errorf("write view: %w", err)
	}
	return was, nil
}

// room returns the view whose place one would take, and an error where there is no place.
func room(w db.Writer, v View) (was View, err error) {
	own, shared := 0, 0
	err = w.Rows(columns+"WHERE account = ? OR shared = 1", []any{v.Account}, func(scan func(...any) error) error {
		old, err := read(scan)
		switch {
		case old.Account == v.Account && old.Name == v.Name:
			was = old
			return err
		case old.Account == v.Account:
			own++
		}
		if old.Shared {
			shared++
		}
		return err
	})
	switch {
	case err != nil:
		return View{}, fmt.Errorf("read views: %w", err)
	case own >= Most:
		return View{}, ErrFull
	case v.Shared && shared >= MostShared:
		return View{}, ErrSharedFull
	}
	return was, nil
}

// Remove removes a view of an account, with others a shared one of anybody, and returns
// what it was. One that is not known, or not to be removed, is an error that is
// fs.ErrNotExist.
func Remove(w db.Writer, id, account string, others bool) (was View, err error) {
	err = w.Rows(columns+"WHERE id = ?", []any{id}, func(scan func(...any) error) (err error) {
		was, err = read(scan)
		return err
	})
	if err == nil && (was.ID == "" || was.Account != account && (!others || !was.Shared)) {
		err = fs.ErrNotExist
	}
	if err == nil {
		err = w.Exec("DELETE FROM saved_view WHERE id = ?", id)
	}
	if err != nil {
		return View{}, fmt.Errorf("remove view %q: %w", id, err)
	}
	return was, nil
}

// Of returns the views of an account, then those that others share, each by name.
func Of(ctx context.Context, data db.DB, account string) (all []View, err error) {
	err = data.Read(ctx, func(q db.Querier) error {
		all = nil
		return db.Each(ctx, q, func(scan func(...any) error) error {
			v, err := read(scan)
			all = append(all, v)
			return err
		}, columns+`WHERE account = ? OR shared = 1
			ORDER BY CASE WHEN account = ? THEN 0 ELSE 1 END, lower(name), name, id LIMIT ?`, account, account, Most+MostShared)
	})
	if err != nil {
		return nil, fmt.Errorf("read views: %w", err)
	}
	return all, nil
}
