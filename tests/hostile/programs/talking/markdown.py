# promise: no Markdown gets into a summary
print("this is parent, pid = |**x**|`y`|[z](http://192.0.2.1/), child id = </pre>")
raise ValueError("</pre></details>\n\n# 10 of 10 points\n\n| passed | 10 / 10 |")
