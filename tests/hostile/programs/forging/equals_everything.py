# promise: an object that equals everything is never compared
# expect: no-child
import builtins


class Anything(str):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __hash__(self):
        return 0

    def __contains__(self, other):
        return True


builtins.str = Anything
print(Anything("this is child, pid = 1, parent id = 1"))
