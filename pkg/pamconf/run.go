package pamconf

import "strconv"

// Verdict is where a walk ends.
type Verdict struct {
	// Result is libpam's answer, by the names of pam.d(5): "success", "auth_err" …
	Result string
	// Ran are the rules whose modules were asked, in order.
	Ran []*Rule
}

// Success reports whether the stack lets through.
func (v Verdict) Success() bool { return v.Result == "success" }

// mustFail is what libpam answers where no module said so.
const mustFail = "perm_denied"

// impression is what the modules so far have left.
type impression byte

const (
	undecided impression = iota
	positive
	negative
)

// state is the impression and the result to be returned.
type state struct {
	impression impression
	result     string
}

// Run walks the stack. answer gives each module's result; it is not asked of broken
// rules.
func (s Stack) Run(answer func(*Rule) string) Verdict {
	v := Verdict{}
	now := state{result: mustFail}
	saved := []state{now}
	previous := 0
	for i := 0; i < len(s); i++ {
		r := &s[i]
		for len(saved) <= r.level {
			saved = append(saved, now)
		}
		if previous < r.level {
			saved[r.level] = now
		}
		previous = r.level
		if r.substack {
			continue
		}
		result := mustFail
		action := "bad"
		if r.Broken == "" {
			result = answer(r)
			v.Ran = append(v.Ran, r)
			action = r.action(result)
		}
		var over bool
		if now, over = now.after(action, result, saved[r.level]); over {
			i = s.last(i)
			continue
		}
		if n, err := strconv.Atoi(action); err == nil && n > 0 {
			var ok bool
			if i, ok = s.jump(i, n); !ok {
				now = state{negative, mustFail}
			}
		}
	}
	if v.Result = now.result; now.impression != positive && now.result == "success" {
		v.Result = mustFail
	}
	return v
}

// after is the state after an action, and whether it ends the stack. Jumps are the
// caller's.
func (now state) after(action, result string, begin state) (next state, over bool) {
	switch action {
	case "reset":
		return begin, false
	case "ignore":
		return now, false
	case "ok", "done":
		if now.impression == undecided || now.impression == positive && now.result == "success" {
			now = state{positive, result}
		}
		return now, now.impression == positive && action == "done"
	case "bad", "die":
		if now.impression != negative {
			now = state{negative, result}
			if result == "ignore" {
				now.result = mustFail
			}
		}
		return now, action == "die"
	}
	if n, err := strconv.Atoi(action); err == nil && n > 0 {
		return now, false
	}
	return state{negative, mustFail}, false
}

// last is the index of the last rule of the stack, or substack, that rule i is in.
func (s Stack) last(i int) int {
	level := s[i].level
	for i+1 < len(s) && s[i+1].level >= level {
		i++
	}
	return i
}

// jump passes over the next n rules of the same stack; a substack is one.
func (s Stack) jump(i, n int) (int, bool) {
	level := s[i].level
	for n > 0 && i+1 < len(s) && s[i+1].level >= level {
		i++
		for i+1 < len(s) && s[i+1].level > level {
			i++
		}
		n--
	}
	return i, n == 0
}
