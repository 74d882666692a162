"""Empty modules in the place of engines and of libraries that need a GPU, so that a server's routes can be imported without them.

Whatever is asked of such a module is there: a class for a name in CamelCase (an exception if it ends in Error), else an object
that can be called. Nothing of it does anything.
"""

import importlib.abc
import importlib.machinery
import sys
import types


class Nothing:
    """Stands for a function, a constant or a decorator."""

    def __init__(self, name="nothing"):
        self.__name__ = name

    def __call__(self, *args, **kwargs):
        # As a decorator it returns what it decorates.
        if len(args) == 1 and not kwargs and isinstance(args[0], (types.FunctionType, type)):
            return args[0]
        return Nothing(self.__name__)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing(name)

    def __getitem__(self, _key):
        return Nothing(self.__name__)

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0

    def __contains__(self, _item):
        return False

    def __bool__(self):
        return False

    def __enter__(self):
        return self

    def __exit__(self, *_args):
        return False

    def __or__(self, _other):
        return object

    __ror__ = __or__


class StubClass:
    """Can be a base, an annotation, a field of a pydantic model and a generic."""

    def __init__(self, *_args, **_kwargs):
        pass

    def __class_getitem__(cls, _item):
        return cls

    @classmethod
    def __get_pydantic_core_schema__(cls, _source, _handler):
        from pydantic_core import core_schema

        return core_schema.any_schema()

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema, _handler):
        return {}


def _stub(module, name):
    if name.lstrip("_")[:1].isupper() and not name.isupper():
        if name.endswith(("Error", "Exception")):
            return type(name, (Exception,), {"__module__": module})
        return type(name, (StubClass,), {"__module__": module})
    return Nothing(name)


class _StubModule(types.ModuleType):
    def __getattr__(self, name):
        # Python imports a submodule only where there is no such attribute.
        if name.startswith("__") or f"{self.__name__}.{name}" in _holds_real:
            raise AttributeError(name)
        made = _stub(self.__name__, name)
        setattr(self, name, made)
        return made


_holds_real = set()


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, stubbed, real):
        self._stubbed = stubbed
        self._real = real

    def find_spec(self, name, _path=None, _target=None):
        def below(prefixes):
            return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)

        # A package that contains something real is a plain package, without its __init__, which would import the engine.
        holds_real = name in _holds_real
        if below(self._real) or not below(self._stubbed):
            return None
        spec = importlib.machinery.ModuleSpec(name, self, is_package=True)
        spec.submodule_search_locations = _places_of(name) if holds_real else []
        return spec

    def create_module(self, spec):
        return _StubModule(spec.name)

    def exec_module(self, module):
        pass


def _places_of(name):
    parent, _, last = name.rpartition(".")
    places = sys.modules[parent].__path__ if parent else sys.path
    return [f"{place}/{last}" for place in places]


def stub(stubbed, real):
    """Modules below `stubbed` are empty, except those below `real`."""
    for name in real:
        parts = name.split(".")
        _holds_real.update(".".join(parts[:length]) for length in range(1, len(parts) + 1))
    sys.meta_path.insert(0, _Finder(tuple(stubbed), tuple(real)))
