package pam

import "seawall/agent/facts/fact"

// Facts is what is known of how the host authenticates.
type Facts struct {
	Meta fact.Meta `json:"meta"`
	// Services are the programs that let people in: login, sshd, su, sudo, and
	// others that are there of a known list.
	Services []Service `json:"services"`
	// Problems are files or lines that PAM cannot read.
	Problems []Line `json:"problems"`
	// Quality, History, Lockout and Unix are what setting and checking a password
	// does.
	Quality Quality `json:"quality"`
	History History `json:"history"`
	Lockout Lockout `json:"lockout"`
	Unix    Unix    `json:"unix"`
	// Su is who may use su at all.
	Su Su `json:"su"`
	// Umask is pam_umask of login sessions.
	Umask fact.Text `json:"umask"`
}

// Service is one program's way in, as its stack decides it. Each answer is found
// by walking the stack with the results that modules would give.
type Service struct {
	Name string `json:"name"`
	File string `json:"file"`
	// WrongPassword: whoever types a wrong password gets in. Empty: whoever has
	// none set gets in with none (nullok).
	WrongPassword fact.Tri `json:"wrong_password"`
	EmptyPassword fact.Tri `json:"empty_password"`
	// LockedOut: one who is locked out by pam_faillock or pam_tally2 gets in with
	// the right password all the same. Not known where no such module is there.
	LockedOut fact.Tri `json:"locked_out"`
	// ExpiredAccount: one whose account has expired gets in.
	ExpiredAccount fact.Tri `json:"expired_account"`
	// Because is the line that decides.
	Because Line `json:"because"`
}

// Quality is the check of a new password.
type Quality struct {
	// Module is pam_pwquality, pam_cracklib or pam_passwdqc; empty: none is asked.
	Module string `json:"module"`
	// Enforced: a password that the module refuses is not set.
	Enforced fact.Tri `json:"enforced"`
	// Settings are those in force by name (minlen, dcredit, …), unset ones with
	// their default; Numbers those that are numbers.
	Settings map[string]fact.Text `json:"settings"`
	Numbers  map[string]int       `json:"numbers"`
	// Shortest is the length of the shortest password that gets through, credits
	// for kinds of characters counted.
	Shortest int  `json:"shortest"`
	Line     Line `json:"line"`
}

// History is the memory of old passwords.
type History struct {
	Module   string               `json:"module"` // pam_pwhistory, or pam_unix with remember
	Enforced fact.Tri             `json:"enforced"`
	Remember int                  `json:"remember"`
	Settings map[string]fact.Text `json:"settings"`
	Line     Line                 `json:"line"`
}

// Lockout is what stops guessing.
type Lockout struct {
	Module string `json:"module"` // pam_faillock or pam_tally2
	// Counts: a wrong password is counted, and Locks: who is locked out stays out,
	// for every service that asks for a password.
	Counts   fact.Tri             `json:"counts"`
	Locks    fact.Tri             `json:"locks"`
	Settings map[string]fact.Text `json:"settings"`
	Numbers  map[string]int       `json:"numbers"`
	Line     Line                 `json:"line"`
}

// Unix is pam_unix when it sets and checks passwords.
type Unix struct {
	Found    bool `json:"found"`
	Nullok   Line `json:"nullok"`   // the first line that has nullok
	Remember Line `json:"remember"` // the first that has remember
	// Method is the hash for new passwords, as the arguments or login.defs say;
	// Strong that it withstands guessing.
	Method string `json:"method"`
	Strong bool   `json:"strong"`
	// UseAuthtok: the password is the one that the modules before have checked.
	// True also where none is before it.
	UseAuthtok bool `json:"use_authtok"`
	Line       Line `json:"line"` // of the password stack
}

// Su is who may use su.
type Su struct {
	Found bool `json:"found"` // there is a service su
	// Restricted: pam_wheel lets only the members of Group through.
	Restricted fact.Tri `json:"restricted"`
	Group      string   `json:"group"`
	Members    []string `json:"members"`
	Line       Line     `json:"line"`
}

// Line is a line of a PAM configuration.
type Line struct {
	Set  bool   `json:"set"`
	Text string `json:"text"` // what is wrong, or what it says
	File string `json:"file"`
	Line int    `json:"line"`
	Raw  string `json:"raw"`
}
