// Package share answers for servers of files: who may read without a password, and
// who may write.
//
// vsftpd (vsftpd.conf(5): anonymous users are let in where nothing is set; they write
// with write_enable and one of the anon_ settings), ProFTPD (<Anonymous>, with the
// limits in it), Pure-FTPd (its directory of settings or its file, and a system user
// ftp); Samba (smb.conf(5) with its synonyms, the defaults that [global] gives to
// shares, usershares); NFS (exports(5): what a client that is not one host may do, who
// is root; "host (rw)" is two clients, and the second is everybody); rsync
// (rsyncd.conf(5)); in.tftpd (its options).
package share
