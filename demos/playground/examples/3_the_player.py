"""The forward and the backward pass, edge by edge.

Press Play, or use the arrow keys.
"""

from engine import Value

x, w, b = Value(2.0), Value(-3.0), Value(6.5)
n = x * w
loss = ((n + b).tanh() - 1.0) ** 2 + 0.1 * w**2
page = loss.to_html("player.html")
