"""Which arguments of a request are keys, as the reference server's own COMMAND reply says."""



class KeySpecs:
    """First key, last key and step of every command and subcommand (the old-style positions), and who writes."""

    def __init__(self, command_reply):
        self.positions = {}
        self.writers = set()
        for entry in command_reply[1]:
            self._add(entry)

    def _add(self, entry):
        fields = entry[1]
        name = fields[0][1].upper()
        self.positions[name] = tuple(field[1] for field in fields[3:6])
        if ("+", b"write") in fields[2][1]:
            self.writers.add(name)
        for sub in fields[9][1] if len(fields) > 9 else []:
            self._add(sub)

    def keys_of(self, args):
        name = args[0].upper()
        positions = self.positions.get(name)
        if len(args) > 1:
            positions = self.positions.get(name + b"|" + args[1].upper(), positions)
        if positions is None or positions[0] == 0:
            return []
        first, last, step = positions
        last = len(args) + last if last < 0 else min(last, len(args) - 1)
        return args[first:last + 1:step]

    def writes(self, args):
        return args[0].upper() in self.writers
