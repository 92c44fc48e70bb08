package sudoers

// Config is everything that was read.
type Config struct {
	Rules    []Rule
	Defaults []Default
	Aliases  map[AliasKey]Alias
	Errors   []Error
	// Files were read, in order; Dirs were looked into; Ignored are files in them
	// that were passed over because of their names.
	Files, Dirs, Ignored []string
}

// Place is where something stands.
type Place struct {
	File string
	Line int
	Raw  string // the line, continuations joined
}

// Error is a line that cannot be read.
type Error struct {
	Place
	Why string
}

// Rule lets some users run one command.
type Rule struct {
	Place
	Users, Hosts []Member
	// RunUsers and RunGroups are the run-as list; both are empty where none is given:
	// then it is root.
	RunUsers, RunGroups []Member
	// Tags are those that hold for the command, by name, such as "NOPASSWD"; of a tag
	// and its opposite the last one is there.
	Tags    map[string]bool
	Options map[string]string // ROLE, CWD, NOTAFTER, …
	Command Command
}

// Member is one element of a list.
type Member struct {
	Not  bool
	Kind Kind
	Name string // without the mark of its kind
}

// Kind is what a member names.
type Kind byte

// The kinds of members. A host is a Word, whether name or address.
const (
	All      Kind = 'A'
	Word     Kind = 'w' // a user, host or command by name, or an alias of that name
	Group    Kind = '%'
	Netgroup Kind = '+'
	ID       Kind = '#' // a user by number
	GroupID  Kind = 'g'
	Foreign  Kind = ':' // a group of a plugin, "%:name"
)

// Command is what may be run.
type Command struct {
	Not bool
	All bool
	// Alias is a name in capitals; Path a file, a directory that ends in "/", or a
	// word that sudo knows (sudoedit, list).
	Alias, Path string
	// Args are the arguments as written; "" allows any, `""` none.
	Args   string
	Digest string
}

// Default is one setting of a Defaults line.
type Default struct {
	Place
	Name, Op, Value string // Op is "=", "+=", "-=", or "" of a flag
	Not             bool
	// Scope is '@' with hosts, ':' with users, '>' with run-as users, '!' with
	// commands, 0 for everybody; Members or Commands is whom it is for.
	Scope    byte
	Members  []Member
	Commands []Command
}

// AliasKind tells the four spaces of names of aliases apart.
type AliasKind byte

// The kinds of aliases.
const (
	UserAlias    AliasKind = 'u'
	RunasAlias   AliasKind = 'r'
	HostAlias    AliasKind = 'h'
	CommandAlias AliasKind = 'c'
)

// AliasKey names an alias.
type AliasKey struct {
	Kind AliasKind
	Name string
}

// Alias is what a name stands for; Commands only of a CommandAlias.
type Alias struct {
	Place
	Members  []Member
	Commands []Command
}

// maxExpanded bounds what one list may become, and maxNested how aliases nest.
const (
	maxExpanded = 4096
	maxNested   = 32
)

// Members returns a list with its aliases replaced. "!" of an alias turns its
// members around.
func (c *Config) Members(kind AliasKind, list []Member) []Member {
	var out []Member
	c.expand(kind, list, false, 0, &out)
	return out
}

func (c *Config) expand(kind AliasKind, list []Member, not bool, depth int, out *[]Member) {
	for _, m := range list {
		if len(*out) >= maxExpanded {
			return
		}
		a, ok := c.Aliases[AliasKey{kind, m.Name}]
		if m.Kind == Word && ok && depth < maxNested {
			c.expand(kind, a.Members, not != m.Not, depth+1, out)
			continue
		}
		m.Not = not != m.Not
		*out = append(*out, m)
	}
}

// Commands returns the commands that a command stands for.
func (c *Config) Commands(cmd Command) []Command {
	var out []Command
	c.expandCommand(cmd, false, 0, &out)
	return out
}

func (c *Config) expandCommand(cmd Command, not bool, depth int, out *[]Command) {
	if len(*out) >= maxExpanded {
		return
	}
	a, ok := c.Aliases[AliasKey{CommandAlias, cmd.Alias}]
	if cmd.Alias == "" || !ok || depth >= maxNested {
		cmd.Not = not != cmd.Not
		*out = append(*out, cmd)
		return
	}
	for _, of := range a.Commands {
		c.expandCommand(of, not != cmd.Not, depth+1, out)
	}
}
