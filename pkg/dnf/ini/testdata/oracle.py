"""What libdnf's own parser makes of files. Arguments: files. Prints a JSON value
for each: sections, options and their values, or null for a file it refuses."""
import json, re, sys
import libdnf

for name in sys.argv[1:]:
    parser = libdnf.conf.ConfigParser()
    try:
        parser.read(name)
    except RuntimeError:
        print("null")
        continue
    with open(name) as f:
        names = re.findall(r"\[([^\]]*)\]", f.read())  # the parser tells no list of its own
    print(json.dumps({s: {o: parser.getValue(s, o) for o in parser.options(s)} for s in names if parser.hasSection(s)}))
