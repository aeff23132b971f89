"""An initialiser of one's own: He's variance times a factor. docs/own_initializer.md explains it."""

from spikeinit.initializers import Law, register


@register("half_he")
def law(fan_in, fan_out=None, *, factor=0.5):
    """He's variance, 2 / fan_in, times `factor`."""
    return Law.normal(variance=factor * 2 / fan_in)
