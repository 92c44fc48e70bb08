package servers

import (
	"errors"

	"seawall/agent/facts/servers/database"
	"seawall/pkg/hostfs"
)

// known is a server that can be asked.
type known struct {
	name     string
	programs []string // one of them is there where it is installed
	units    []string // of systemd, or the names of scripts of System V
	configs  []string // the first that exists; the first of all where none does
	ask      func(f *Facts, root hostfs.Root, config string) ([]string, error)
}

// all are the servers that can be asked.
func all() []known {
	var list []known
	list = append(list, mailServers()...)
	list = append(list, nameServers()...)
	list = append(list, proxies()...)
	list = append(list, fileServers()...)
	list = append(list, databases()...)
	return append(list, webServers()...)
}

func mailServers() []known {
	return []known{
		{"postfix", []string{"/usr/sbin/postfix"}, []string{"postfix.service", "postfix@-.service"}, []string{"/etc/postfix/main.cf"},
			func(f *Facts, r hostfs.Root, _ string) ([]string, error) { return f.Mail.Postfix(r, "/etc/postfix") }},
		{"exim", []string{"/usr/sbin/exim4", "/usr/sbin/exim"}, []string{"exim4.service", "exim.service"},
			[]string{"/etc/exim4/exim4.conf", "/etc/exim/exim.conf", "/etc/exim4/update-exim4.conf.conf"},
			func(f *Facts, r hostfs.Root, _ string) ([]string, error) {
				return f.Mail.Exim(r, "/etc/exim4/update-exim4.conf.conf", "/etc/exim4/exim4.conf", "/etc/exim/exim.conf")
			}},
		{"sendmail", []string{"/usr/sbin/sendmail.sendmail", "/usr/libexec/sendmail/sendmail", "/usr/lib/sm.bin/sendmail"},
			[]string{"sendmail.service"}, []string{"/etc/mail/sendmail.cf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Mail.Sendmail(r, c) }},
		{"opensmtpd", []string{"/usr/sbin/smtpd"}, []string{"opensmtpd.service", "smtpd.service"},
			[]string{"/etc/smtpd.conf", "/etc/opensmtpd/smtpd.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Mail.OpenSMTPD(r, c) }},
	}
}

func nameServers() []known {
	return []known{
		{"bind", []string{"/usr/sbin/named"}, []string{"named.service", "bind9.service", "named-chroot.service"},
			[]string{"/etc/bind/named.conf", "/etc/named.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Resolver.Bind(r, c) }},
		{"unbound", []string{"/usr/sbin/unbound"}, []string{"unbound.service"}, []string{"/etc/unbound/unbound.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Resolver.Unbound(r, c) }},
		{"dnsmasq", []string{"/usr/sbin/dnsmasq"}, []string{"dnsmasq.service"}, []string{"/etc/dnsmasq.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Resolver.Dnsmasq(r, c) }},
		{"pdns-recursor", []string{"/usr/sbin/pdns_recursor"}, []string{"pdns-recursor.service"},
			[]string{"/etc/powerdns/recursor.conf", "/etc/pdns-recursor/recursor.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Resolver.Recursor(r, c) }},
		{"systemd-resolved", []string{"/usr/lib/systemd/systemd-resolved", "/lib/systemd/systemd-resolved"}, []string{"systemd-resolved.service"},
			[]string{"/etc/systemd/resolved.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Resolver.Resolved(r, c) }},
	}
}

func proxies() []known {
	return []known{
		{"squid", []string{"/usr/sbin/squid"}, []string{"squid.service"}, []string{"/etc/squid/squid.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Proxy.Squid(r, c) }},
		{"tinyproxy", []string{"/usr/bin/tinyproxy", "/usr/sbin/tinyproxy"}, []string{"tinyproxy.service"},
			[]string{"/etc/tinyproxy/tinyproxy.conf", "/etc/tinyproxy.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Proxy.Tinyproxy(r, c) }},
		{"privoxy", []string{"/usr/sbin/privoxy"}, []string{"privoxy.service"}, []string{"/etc/privoxy/config"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Proxy.Privoxy(r, c) }},
		{"3proxy", []string{"/usr/bin/3proxy", "/bin/3proxy"}, []string{"3proxy.service"},
			[]string{"/etc/3proxy/conf/3proxy.cfg", "/etc/3proxy/3proxy.cfg", "/etc/3proxy.cfg"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Proxy.ThreeProxy(r, c) }},
		{"dante", []string{"/usr/sbin/danted", "/usr/sbin/sockd"}, []string{"danted.service", "sockd.service"},
			[]string{"/etc/danted.conf", "/etc/sockd.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Proxy.Dante(r, c) }},
	}
}

func fileServers() []known {
	return []known{
		{"vsftpd", []string{"/usr/sbin/vsftpd"}, []string{"vsftpd.service"}, []string{"/etc/vsftpd.conf", "/etc/vsftpd/vsftpd.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Share.Vsftpd(r, c) }},
		{"proftpd", []string{"/usr/sbin/proftpd"}, []string{"proftpd.service", "proftpd.socket"},
			[]string{"/etc/proftpd/proftpd.conf", "/etc/proftpd.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Share.ProFTPD(r, c) }},
		{"pure-ftpd", []string{"/usr/sbin/pure-ftpd"}, []string{"pure-ftpd.service"}, []string{"/etc/pure-ftpd/conf", "/etc/pure-ftpd/pure-ftpd.conf"},
			func(f *Facts, r hostfs.Root, _ string) ([]string, error) {
				return f.Share.PureFTPd(r, "/etc/pure-ftpd/conf", "/etc/pure-ftpd/pure-ftpd.conf")
			}},
		{"samba", []string{"/usr/sbin/smbd"}, []string{"smbd.service", "smb.service", "samba-ad-dc.service"}, []string{"/etc/samba/smb.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Share.Samba(r, c) }},
		{"nfs", []string{"/usr/sbin/rpc.mountd"}, []string{"nfs-server.service", "nfs-kernel-server.service"}, []string{"/etc/exports"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Share.NFS(r, c, "/etc/exports.d") }},
		{"rsync", []string{"/usr/bin/rsync"}, []string{"rsync.service", "rsyncd.service", "rsyncd.socket"}, []string{"/etc/rsyncd.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Share.Rsync(r, c) }},
		{"tftpd", []string{"/usr/sbin/in.tftpd"}, []string{"tftpd-hpa.service", "tftp.service", "tftp.socket"}, []string{"/etc/default/tftpd-hpa"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) {
				return f.Share.TFTP(r, c, "/usr/lib/systemd/system/tftp.service")
			}},
		{"snmpd", []string{"/usr/sbin/snmpd"}, []string{"snmpd.service"}, []string{"/etc/snmp/snmpd.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.SNMP.Snmpd(r, c) }},
	}
}

func databases() []known {
	open := func(ask func(*database.Answers, hostfs.Root, string) ([]string, error)) func(*Facts, hostfs.Root, string) ([]string, error) {
		return func(f *Facts, r hostfs.Root, c string) ([]string, error) { return ask(&f.Database, r, c) }
	}
	redis := func(name string) func(*Facts, hostfs.Root, string) ([]string, error) {
		return func(f *Facts, r hostfs.Root, c string) ([]string, error) { return f.Database.Redis(r, name, c) }
	}
	return []known{
		{"redis", []string{"/usr/bin/redis-server"}, []string{"redis-server.service", "redis.service"},
			[]string{"/etc/redis/redis.conf", "/etc/redis.conf"}, redis("redis")},
		{"valkey", []string{"/usr/bin/valkey-server"}, []string{"valkey-server.service", "valkey.service"}, []string{"/etc/valkey/valkey.conf"}, redis("valkey")},
		{"memcached", []string{"/usr/bin/memcached"}, []string{"memcached.service"}, []string{"/etc/memcached.conf", "/etc/sysconfig/memcached"},
			open(func(a *database.Answers, r hostfs.Root, c string) ([]string, error) { return a.Memcached(r, c) })},
		{"mongodb", []string{"/usr/bin/mongod"}, []string{"mongod.service", "mongodb.service"}, []string{"/etc/mongod.conf"}, open((*database.Answers).MongoDB)},
		{"elasticsearch", []string{"/usr/share/elasticsearch/bin/elasticsearch"}, []string{"elasticsearch.service"},
			[]string{"/etc/elasticsearch/elasticsearch.yml"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) {
				return f.Database.Elastic(r, "elasticsearch", c, "/usr/share/elasticsearch/lib/elasticsearch")
			}},
		{"opensearch", []string{"/usr/share/opensearch/bin/opensearch"}, []string{"opensearch.service"}, []string{"/etc/opensearch/opensearch.yml"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) {
				return f.Database.Elastic(r, "opensearch", c, "/usr/share/opensearch/lib/opensearch")
			}},
		{"postgresql", []string{"/usr/bin/pg_ctlcluster", "/usr/bin/postgres", "/usr/bin/postgresql-setup", "/usr/pgsql-16/bin/postgres", "/usr/pgsql-17/bin/postgres"},
			[]string{"postgresql.service", "postgresql@15-main.service", "postgresql-16.service", "postgresql-17.service"},
			[]string{"/etc/postgresql", "/var/lib/pgsql"},
			func(f *Facts, r hostfs.Root, _ string) ([]string, error) {
				return f.Database.Postgres(r, "/etc/postgresql/*/*/postgresql.conf", "/var/lib/pgsql/data/postgresql.conf", "/var/lib/pgsql/*/data/postgresql.conf")
			}},
		{"mysql", []string{"/usr/sbin/mariadbd", "/usr/sbin/mysqld", "/usr/libexec/mariadbd", "/usr/libexec/mysqld"},
			[]string{"mariadb.service", "mysql.service", "mysqld.service"}, []string{"/etc/mysql/my.cnf", "/etc/my.cnf"}, open((*database.Answers).MySQL)},
	}
}

func webServers() []known {
	return []known{
		{"nginx", []string{"/usr/sbin/nginx"}, []string{"nginx.service"}, []string{"/etc/nginx/nginx.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) {
				_, err := f.Proxy.Nginx(r, c)
				watch, failed := f.Web.Nginx(r, c)
				return watch, errors.Join(err, failed)
			}},
		{"apache", []string{"/usr/sbin/apache2", "/usr/sbin/httpd"}, []string{"apache2.service", "httpd.service", "httpd.socket"},
			[]string{"/etc/apache2/apache2.conf", "/etc/httpd/conf/httpd.conf"},
			func(f *Facts, r hostfs.Root, c string) ([]string, error) {
				_, err := f.Proxy.Apache(r, c)
				watch, failed := f.Web.Apache(r, c)
				return watch, errors.Join(err, failed)
			}},
	}
}
