package site

func (f *finder) haproxy() {}
func (f *finder) caddy()   {}
func (f *finder) postfix() {}
func (f *finder) dovecot() {}
