// Package facts puts the readers of facts together: one struct with everything
// that checks can ask about, and a Reader that reads its groups and knows which
// group a changed file makes stale.
//
// A group is one reader's facts, named as checks name it ("sshd", "patch", …; all
// are in Groups). They are read side by side. A reader that panics costs its own
// group, whose state becomes error, and nothing else.
package facts
