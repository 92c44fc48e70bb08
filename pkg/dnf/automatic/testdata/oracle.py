"""What dnf-automatic itself makes of configurations. Arguments: files. Prints a
line for each: apply, download, type, exclude packages, or "refused"."""
import sys
import dnf, dnf.automatic.main, dnf.conf

for name in sys.argv[1:]:
    try:
        c = dnf.automatic.main.AutomaticConfig(name)
        base = dnf.conf.Conf()
        c.update_baseconf(base)
        print(int(c.commands.apply_updates), int(c.commands.download_updates), c.commands.upgrade_type,
              ",".join(base.excludepkgs))
    except dnf.exceptions.ConfigError:
        print("refused")
