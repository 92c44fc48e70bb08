package secrets

import (
	"path"
	"slices"
	"strings"

	"seawall/pkg/leak"
)

// what is a file whose name says that it may hold a secret.
type what struct {
	place      string // as a leak; "" where it is not read
	mode       leak.Mode
	credential string // its kind, see File
	web        string // its kind, see WebFile
}

// Limits of one file.
const (
	maxFile    = 256 << 10
	maxHistory = 2 << 20
)

// histories are what shells and clients keep of what was typed.
var histories = strings.Fields(".bash_history .zsh_history .zhistory .ash_history .sh_history .ksh_history .history .mysql_history " +
	".mariadb_history .psql_history .rediscli_history .python_history .node_repl_history .sqlite_history .mongo_history")

// credentials are the files of a home that hold secrets by their nature, by their
// kind.
var credentials = map[string]string{
	".aws/credentials": "cloud", ".config/doctl/config.yaml": "cloud", ".kube/config": "cloud", ".s3cfg": "cloud", ".boto": "cloud",
	".config/gcloud/application_default_credentials.json": "cloud", ".config/gcloud/credentials.db": "cloud", ".config/rclone/rclone.conf": "cloud",
	".azure/msal_token_cache.json": "cloud", ".terraform.d/credentials.tfrc.json": "cloud", ".vault-token": "cloud", ".passwd-s3fs": "cloud",
	".pgpass": "database", ".my.cnf": "database", ".mylogin.cnf": "database", ".dbshell": "database",
	".git-credentials": "developer", ".config/git/credentials": "developer", ".npmrc": "developer", ".pypirc": "developer",
	".config/gh/hosts.yml": "developer", ".gem/credentials": "developer", ".cargo/credentials.toml": "developer",
	".composer/auth.json": "developer", ".config/composer/auth.json": "developer", ".m2/settings.xml": "developer",
}

// passed are directories that hold what others made.
func passed(name string) bool {
	switch name {
	case "node_modules", ".cache", ".npm", ".local", "site-packages", "dist-packages", "venv", ".venv", ".rustup", ".cargo", ".vscode-server", "snap",
		".nvm", ".rbenv", ".pyenv", ".gradle", "vendor", "objects", "hooks", "logs", "target", "__pycache__", "containerd", "wp-includes", "wp-admin":
		return true
	}
	return false
}

// inHome says what a file of a home is, rel being its name below the home.
func inHome(rel string) what {
	base := path.Base(rel)
	if kind := credentials[rel]; kind != "" {
		return what{credential: kind}
	}
	switch {
	case slices.Contains(histories, rel):
		return what{place: PlaceHistory, mode: leak.Settings | leak.Commands}
	case application(base):
		return what{place: PlaceApp, mode: leak.Settings}
	case slices.Contains([]string{".bashrc", ".bash_profile", ".profile", ".zshrc", ".zshenv", ".zprofile", ".bash_aliases", ".pam_environment"}, rel):
		return what{place: PlaceStartup, mode: leak.Settings | leak.Commands}
	case strings.HasPrefix(rel, ".ssh/"):
		if strings.HasSuffix(base, ".pub") || strings.HasPrefix(base, "known_hosts") || strings.HasPrefix(base, "authorized_keys") || base == "config" {
			return what{}
		}
		return what{place: PlaceHome}
	case base == "config" && path.Base(path.Dir(rel)) == ".git": // a remote's URL
		return what{place: PlaceHome}
	case strings.Contains(rel, ".git/"):
		return what{}
	case keyName(base), readable(base):
		return what{place: PlaceHome}
	}
	return what{}
}

// inApp says what a file of /srv or /opt is.
func inApp(rel string) what {
	base := path.Base(rel)
	switch {
	case application(base):
		return what{place: PlaceApp, mode: leak.Settings}
	case keyName(base):
		return what{place: PlaceApp}
	}
	return what{}
}

// inWeb says what a file below the root of a web site is.
func inWeb(rel string) what {
	base := strings.ToLower(path.Base(rel))
	if strings.Contains(rel, ".git/") {
		return what{}
	}
	w := what{}
	switch ext := path.Ext(base); {
	case dotenv(base), base == ".htpasswd", base == "id_rsa", base == "id_ed25519":
		w = what{web: "settings"}
	case ext == ".sql", ext == ".dump", strings.HasSuffix(base, ".sql.gz"), strings.HasSuffix(base, ".sql.zip"), ext == ".bak", ext == ".swp",
		strings.HasSuffix(base, ".php~"), strings.HasSuffix(base, ".php.old"), base == "backup.zip", base == "backup.tar.gz", ext == ".sqlite":
		w = what{web: "backup"}
	}
	if keyName(base) || readable(base) && !strings.HasSuffix(base, ".py") || dotenv(base) {
		w.place = PlaceWeb
	}
	return w
}

// dotenv reports whether a file is the settings of an application, and no sample of
// them.
func dotenv(base string) bool {
	if strings.Contains(base, "example") || strings.Contains(base, "sample") || strings.Contains(base, "dist") || strings.Contains(base, "template") {
		return false
	}
	return base == ".env" || strings.HasPrefix(base, ".env.")
}

func application(base string) bool {
	if dotenv(base) || strings.HasSuffix(base, ".env") && !strings.Contains(base, "example") {
		return true
	}
	ext := path.Ext(base)
	return (ext == ".yml" || ext == ".yaml") && (strings.HasPrefix(base, "docker-compose") || strings.HasPrefix(base, "compose"))
}

func keyName(base string) bool {
	switch path.Ext(base) {
	case ".pem", ".key", ".ppk":
		return true
	}
	return strings.HasPrefix(base, "id_") && !strings.HasSuffix(base, ".pub")
}

// readable reports whether a file is settings, a script or notes.
func readable(base string) bool {
	switch path.Ext(base) {
	case ".sh", ".bash", ".py", ".rb", ".pl", ".json", ".yml", ".yaml", ".toml", ".ini", ".cfg", ".conf", ".config", ".properties", ".tf", ".tfvars",
		".tfstate", ".txt", ".md":
		return true
	}
	return false
}
